"""The Token Price Index: reports, prices held, weights, values, fixings (RULEBOOK §2)."""
