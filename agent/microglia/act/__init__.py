"""[shell] Carries out cleared plans: one write at a time, with preconditions, in the journal before and after."""
