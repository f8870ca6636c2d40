//! The language in which messages are described: tables of offset, name and type.
//!
//! ```text
//! message! {
//!     /// What the message is.
//!     0x0083 StopTone from Server, at least 8 {
//!         /// What the field is.
//!         0 line: LineInstance,
//!         4 call: CallRef,
//!         8 tone: Tone [sent since 11],
//!     }
//! }
//! ```
//!
//! - `at least` is the shortest body that can be used, 0 when not said.
//! - `wide from` is the length from which on addresses are in their long form.
//! - Offsets are those of version 11, or of the version in which the field came; a test holds them
//!   against what is written. `_` stands where strings before it have no fixed length.
//! - `[since 16]`: only there from version 16 on.
//! - `[sent since 11]`: written from version 11 on, and read wherever a body is long enough; for
//!   fields at the end, about whose beginnings implementations differ.
//! - `[then 2 zero]`: two bytes of padding follow.
//! - `[then padding]`: at the end, zeros up to a multiple of four bytes.
//! - `[then length of data]`: the length of the field `data` follows.

/// A message: a block of fields with a number and a sender.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $id:literal $name:ident from $sender:ident
        $(, at least $minimum:literal)? $(, wide from $wide:literal)?
        $({ $($fields:tt)* })?
    ) => {
        $crate::layout::block! { $(#[$doc])* $name { $($($fields)*)? } }

        impl $name {
            /// Its number.
            pub const ID: $crate::MessageId = $crate::MessageId($id);
        }

        impl $crate::message::Kind for $name {
            const NAME: &'static str = stringify!($name);
            const SENDER: $crate::Sender = $crate::Sender::$sender;
            const MINIMUM: usize = 0 $(+ $minimum)?;
            const WIDE_FROM: usize = $crate::layout::or_never!($($wide)?);
        }
    };
}

/// A block of fields.
macro_rules! block {
    (
        $(#[$doc:meta])*
        $name:ident {
            $(
                $(#[$field_doc:meta])*
                $($offset:literal)? $(_)? $field:ident : $type:ty $([$($rule:tt)*])?
            ),*
            $(,)?
        }
    ) => {
        $crate::layout::define! { $(#[$doc])* $name $($(#[$field_doc])* $field: $type),* }

        impl $crate::body::Field for $name {
            #[allow(unused_variables, reason = "some messages have no body")]
            fn read(input: &mut $crate::body::Input<'_>) -> Self {
                $(let $field = $crate::layout::read!(input, $type $(, $($rule)*)?);)*
                Self { $($field),* }
            }

            #[allow(unused_variables, reason = "some messages have no body")]
            fn write(&self, output: &mut $crate::body::Output) {
                let Self { $($field),* } = self;
                $(
                    output.field_starts();
                    $crate::layout::write!(output, $field $(, $($rule)*)?);
                )*
            }
        }

        impl std::fmt::Display for $name {
            /// The fields that are not zero.
            #[allow(unused_variables, reason = "some messages have no body")]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let Self { $($field),* } = self;
                $(if *$field != Default::default() {
                    std::write!(f, " {}={}", stringify!($field), $field)?;
                })*
                Ok(())
            }
        }

        #[cfg(test)]
        impl $crate::tests::Table for $name {
            fn rows() -> Vec<$crate::tests::Row> {
                vec![$($crate::tests::Row {
                    name: concat!(stringify!($name), ".", stringify!($field)),
                    offset: $crate::layout::offset!($($offset)?),
                    since: $crate::layout::since!($($($rule)*)?),
                }),*]
            }
        }
    };
}

/// The type of a block.
macro_rules! define {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name;
    };
    ($(#[$doc:meta])* $name:ident $($(#[$field_doc:meta])* $field:ident : $type:ty),+) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }
    };
}

/// Takes a field from the input, by its rule.
macro_rules! read {
    ($input:ident, $type:ty) => {
        <$type as $crate::body::Field>::read($input)
    };
    ($input:ident, $type:ty, since $version:literal) => {
        if $input.version >= $crate::Version::of($version) {
            $crate::layout::read!($input, $type)
        } else {
            Default::default()
        }
    };
    ($input:ident, $type:ty, sent since $version:literal) => {
        $crate::layout::read!($input, $type)
    };
    ($input:ident, $type:ty, then padding) => {
        $crate::layout::read!($input, $type)
    };
    ($input:ident, $type:ty, then $count:literal zero) => {{
        let value = $crate::layout::read!($input, $type);
        $input.take($count);
        value
    }};
    ($input:ident, $type:ty, then $count:literal zero since $version:literal) => {{
        let value = $crate::layout::read!($input, $type);
        if $input.version >= $crate::Version::of($version) {
            $input.take($count);
        }
        value
    }};
    ($input:ident, $type:ty, then length of $data:ident) => {{
        let value = $crate::layout::read!($input, $type);
        $input.announced = $crate::layout::read!($input, u32);
        value
    }};
}

/// Appends a field to the output, by its rule.
macro_rules! write {
    ($output:ident, $field:ident) => {
        $crate::body::Field::write($field, $output)
    };
    ($output:ident, $field:ident, $(sent)? since $version:literal) => {
        if $output.session.version >= $crate::Version::of($version) {
            $crate::layout::write!($output, $field);
        }
    };
    ($output:ident, $field:ident, then $count:literal zero) => {
        $crate::layout::write!($output, $field);
        $output.zeros($count);
    };
    ($output:ident, $field:ident, then $count:literal zero since $version:literal) => {
        $crate::layout::write!($output, $field);
        if $output.session.version >= $crate::Version::of($version) {
            $output.zeros($count);
        }
    };
    ($output:ident, $field:ident, then padding) => {
        $crate::layout::write!($output, $field);
        $output.align();
    };
    ($output:ident, $field:ident, then length of $data:ident) => {
        $crate::layout::write!($output, $field);
        $crate::body::Field::write(&$data.length(), $output);
    };
}

/// The length from which on addresses are wide.
macro_rules! or_never {
    () => {
        usize::MAX
    };
    ($length:literal) => {
        $length
    };
}

/// The offset in a table.
#[cfg(test)]
macro_rules! offset {
    () => {
        None
    };
    ($offset:literal) => {
        Some($offset)
    };
}

/// The version in which a field came.
#[cfg(test)]
macro_rules! since {
    ($(sent)? since $version:literal) => {
        $crate::Version::of($version)
    };
    ($($other:tt)*) => {
        $crate::Version::MIN
    };
}

pub(crate) use {block, define, message, or_never, read, write};
#[cfg(test)]
pub(crate) use {offset, since};
