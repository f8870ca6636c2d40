//! Who is measured.

/// An implementation with the sessions of a load.
pub(super) trait Contender {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Makes the packets of a lap. Not measured.
    fn prepare(&mut self);

    /// Transforms the packets of a lap and says how many came through. Measured.
    fn process(&mut self) -> usize;
}
