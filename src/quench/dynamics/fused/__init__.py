"""The fused backend: many steps of training in one call of machine code, for the networks of KWJ and dense classifiers."""
