//! Where the stock is: carries out the inventory calls of the rules.
