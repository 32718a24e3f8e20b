"""What people see: one look for all tables, messages and live displays."""
