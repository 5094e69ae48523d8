"""The Token Price Index: reports, held prices, weights, values, fixings (RULEBOOK §2)."""
