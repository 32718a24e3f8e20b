"""What vbvr does, as plain functions over the ports: they return values and print nothing."""
