"""Oracle 1, exact arithmetic: function fields for proofs, rationals with surds for points, intervals. No torch."""
