"""Receipts + fresh facts -> Keep, Wait or Regrow; and the plans that give back."""
