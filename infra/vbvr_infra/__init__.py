"""What vbvr has on AWS: a thin stack, one construct per capability."""
