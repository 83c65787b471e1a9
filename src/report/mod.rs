//! Draws what was measured and judged: data in, text or picture out.
