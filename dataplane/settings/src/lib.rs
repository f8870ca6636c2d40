//! Configuration files: TOML read into typed settings.
//!
//! Both daemons read their one file through [`load`]. What is wrong is told with file, line, key
//! and what would be right; an unknown key is an error with the nearest known one as suggestion.
//! Checks of single values belong into the `Deserialize` of their types, so that they carry the
//! line too.
//!
//! This crate must not know any particular setting.

#![forbid(unsafe_code)]

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Reads and checks a file.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    parse(path, &text)
}

/// Checks the text of a file; `path` is for messages only.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| Error::Content(Mistake::new(path, text, &error)))
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; create it or name another file with --config", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{0}")]
    Content(Mistake),
}

/// What is wrong in a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which file.
    pub path: PathBuf,
    /// Line, counted from 1; `None` when the file as a whole is meant.
    pub line: Option<usize>,
    /// The text of that line.
    pub source: String,
    /// What is wrong with it.
    pub problem: String,
    /// A known key that may have been meant.
    pub suggestion: Option<String>,
}

impl Mistake {
    fn new(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let problem = error.message().to_owned();
        let line = error.span().map(|span| {
            // Past the end of the text (something is missing) is on its last line.
            1 + text[..span.start.min(text.len())].matches('\n').count()
        });
        let source = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default();
        Self {
            path: path.to_owned(),
            line,
            source: source.trim().to_owned(),
            suggestion: nearest_key(&problem),
            problem,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if !self.source.is_empty() {
            write!(f, "\n    {}", self.source)?;
        }
        Ok(())
    }
}

/// The nearest of the keys that serde lists after an unknown one: "unknown field `prots`, expected
/// one of `ports`, `name`".
fn nearest_key(problem: &str) -> Option<String> {
    let rest = problem.strip_prefix("unknown field `")?;
    let (unknown, expected) = rest.split_once('`')?;
    let known = expected.split('`').skip(1).step_by(2);
    let (distance, key) =
        known.map(|key| (strsim::damerau_levenshtein(unknown, key), key)).min()?;
    (distance <= 1 + unknown.len() / 3).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only their names and types matter here")]
    struct Settings {
        host: String,
        #[serde(default)]
        media: Vec<Media>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only their names and types matter here")]
    struct Media {
        name: String,
        ports: u16,
    }

    fn mistake(text: &str) -> Mistake {
        match parse::<Settings>(Path::new("test.toml"), text) {
            Err(Error::Content(mistake)) => mistake,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unknown_key_gets_a_suggestion() {
        let text = "host = \"a\"\n\n[[media]]\nname = \"inside\"\nprots = 5\n";
        let mistake = mistake(text);
        assert_eq!((mistake.line, mistake.suggestion.as_deref()), (Some(5), Some("ports")));
        assert_eq!(
            mistake.to_string(),
            "test.toml:5: unknown field `prots`, expected `name` or `ports`; \
             did you mean `ports`?\n    prots = 5"
        );
    }

    #[test]
    fn a_key_that_resembles_none_gets_no_suggestion() {
        assert_eq!(mistake("host = \"a\"\ncolour = 1\n").suggestion, None);
    }

    #[test]
    fn a_wrong_value_names_its_line() {
        let mistake = mistake("host = \"a\"\n[[media]]\nname = \"x\"\nports = 70000\n");
        assert_eq!((mistake.line, mistake.source.as_str()), (Some(4), "ports = 70000"));
    }

    #[test]
    fn text_that_is_no_toml_names_its_line() {
        assert_eq!(mistake("host = \"a\"\n[[media\n").line, Some(2));
    }

    #[test]
    fn a_missing_file_says_what_to_do() {
        let missing = tempfile::tempdir().unwrap().path().join("none.toml");
        let error = load::<Settings>(&missing).unwrap_err().to_string();
        assert!(error.contains("none.toml") && error.contains("--config"), "{error}");
    }
}
