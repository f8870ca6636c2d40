//! Buttons of a telephone, and the keys of a keyboard that stand for them.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// A soft key, from 0: F1 to F4.
    Soft(usize),
    /// A key of the dial pad.
    Digit(char),
    /// A button beside the screen, from 1: F5 to F12.
    Line(u32),
    /// Upwards: among calls, or in a menu.
    Up,
    /// Downwards.
    Down,
    /// Chooses what is marked.
    Select,
    /// Back, or one digit less.
    Back,
    /// Lifts the handset, or puts it down.
    Handset,
    /// The speaker key.
    Speaker,
    /// Louder.
    Louder,
    /// Quieter.
    Quieter,
    /// The settings key.
    Settings,
    /// The messages key.
    Messages,
    /// The information key: how the call is heard.
    Info,
    /// Pulls the plug.
    Quit,
}

impl Button {
    /// The button that a key of a keyboard stands for.
    pub fn of(key: &KeyEvent) -> Option<Self> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Self::Quit);
        }
        Some(match key.code {
            KeyCode::F(n @ 1..=4) => Self::Soft(usize::from(n) - 1),
            KeyCode::F(n @ 5..=12) => Self::Line(u32::from(n) - 4),
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Enter => Self::Select,
            KeyCode::Esc | KeyCode::Backspace => Self::Back,
            KeyCode::Char(c) => return Self::of_letter(c),
            _ => return None,
        })
    }

    /// The button of a word, for lines of text: `f1` or a letter as on the keyboard, `up`, `down`,
    /// `select`, `back`. A number is dialled digit by digit.
    pub fn of_word(word: &str) -> Option<Vec<Self>> {
        if let Some(number) = word.strip_prefix(['f', 'F'])
            && let Ok(number) = number.parse()
        {
            let key = KeyEvent::new(KeyCode::F(number), KeyModifiers::NONE);
            return Some(vec![Self::of(&key)?]);
        }
        let named = match word {
            "up" => Some(Self::Up),
            "down" => Some(Self::Down),
            "select" => Some(Self::Select),
            "back" => Some(Self::Back),
            _ => None,
        };
        if let Some(named) = named {
            return Some(vec![named]);
        }
        let mut letters = word.chars();
        match (letters.next(), letters.next()) {
            (Some(only), None) => Some(vec![Self::of_letter(only)?]),
            _ => word.chars().map(Self::of_digit).collect(),
        }
    }

    fn of_letter(c: char) -> Option<Self> {
        Some(match c.to_ascii_lowercase() {
            'h' | ' ' => Self::Handset,
            's' => Self::Speaker,
            '+' | '=' => Self::Louder,
            '-' => Self::Quieter,
            'e' => Self::Settings,
            'm' => Self::Messages,
            'i' => Self::Info,
            'q' => Self::Quit,
            digit => return Self::of_digit(digit),
        })
    }

    fn of_digit(c: char) -> Option<Self> {
        matches!(c, '0'..='9' | '*' | '#').then_some(Self::Digit(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_buttons() {
        let of = |word| Button::of_word(word).unwrap_or_default();
        assert_eq!(of("f1"), [Button::Soft(0)]);
        assert_eq!(of("F12"), [Button::Line(8)]);
        assert_eq!(of("h"), [Button::Handset]);
        assert_eq!(of("1*#"), [Button::Digit('1'), Button::Digit('*'), Button::Digit('#')]);
        assert_eq!(of("down"), [Button::Down]);
        for nothing in ["", "f13", "hh", "x"] {
            assert_eq!(of(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn keys_stand_for_buttons() {
        let key = |code, modifiers| Button::of(&KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Button::Quit));
        assert_eq!(key(KeyCode::Char('h'), KeyModifiers::CONTROL), None);
        assert_eq!(key(KeyCode::F(4), KeyModifiers::NONE), Some(Button::Soft(3)));
        assert_eq!(key(KeyCode::Char('5'), KeyModifiers::NONE), Some(Button::Digit('5')));
    }
}
