-- ARGV: name. What is known of a name.
sweep(1000)
local turn = get(turns, ARGV[4])
if not turn then return reply() end
return reply(turn.c, turn.g, turn.r, string.format('%.0f', turn.e))
