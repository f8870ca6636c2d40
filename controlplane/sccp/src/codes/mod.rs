//! What the numbers in messages mean.
//!
//! Each type holds any number, because telephones and servers say more than anybody has written
//! down; the known ones are constants with a name that traces show.

mod call;
mod device;
mod display;
mod media;
mod phrase;

pub use call::*;
pub use device::*;
pub use display::*;
pub use media::*;
pub use phrase::*;

/// Defines types of numbers, some of which have a name.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident($number:ty) { $($value:literal $constant:ident $text:literal)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $number);

        impl $name {
            $(
                #[doc = $text]
                pub const $constant: Self = Self($value);
            )*

            /// What is meant, in English; `None` if that is not known.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($text),)*
                    _ => None,
                }
            }
        }

        impl $crate::body::Field for $name {
            fn read(input: &mut $crate::body::Input<'_>) -> Self {
                Self($crate::body::Field::read(input))
            }

            fn write(&self, output: &mut $crate::body::Output) {
                self.0.write(output);
            }
        }

        impl std::fmt::Display for $name {
            /// Its name, or its number if it has none.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => self.0.fmt(f),
                }
            }
        }
    )*};
}

pub(crate) use codes;
