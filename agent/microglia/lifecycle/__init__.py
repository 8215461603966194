"""What a structure has been through: phases and pace, as a table."""
