"""The suite examines itself: the reference endpoint passes every check, and every fault is caught by those it names."""
