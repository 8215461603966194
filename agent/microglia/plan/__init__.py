"""Selection -> Plan: ordered changes as data, each with its inverse and preconditions."""
