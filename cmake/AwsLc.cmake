# Placeholder until the finder below knows the cache: no target `aws_lc` yet.
