"""What every service needs and no customer has heard of."""
