//! Reading a mapping of a manifest field by field, collecting every problem.

/// One mapping, being read.
pub struct Fields<'a>(std::marker::PhantomData<&'a ()>);
