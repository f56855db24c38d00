"""The use cases that both faces offer, each written once; plain data in and out."""
