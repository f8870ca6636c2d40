//! Thousands of telephones that register, stay, and call each other: what a server has to bear, and
//! how fast it is.
//!
//! All of it runs on the thread of an [`Office`](crate::office::Office). With
//! [`Mute`](crate::office::Mute) media, signalling alone is measured.
//!
//! | file | holds |
//! |---|---|
//! | `recruits` | who they are: a list, and flash directories |
//! | `registration` | all of them register, and stay |
//! | `calls` | pairs of them call each other |
//! | `durations` | how long things took |

mod calls;
mod durations;
mod recruits;
mod registration;

pub use calls::{CallPlan, CallReport, Pair, call};
pub use durations::Durations;
pub use recruits::{Recruit, RecruitError, Recruits};
pub use registration::{RegistrationReport, keep, register};
