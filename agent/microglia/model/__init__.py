"""The nouns: what was seen, in types that every other room may read and none may change."""
