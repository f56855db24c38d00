"""The two executors that obey a policy, and what a file is to them."""
