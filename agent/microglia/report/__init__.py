"""Any result -> text, json or yaml. Pure: what is printed depends on nothing but its arguments."""
