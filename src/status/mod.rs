//! Stage 6: from the state of entries to what people read, and writing it back.
