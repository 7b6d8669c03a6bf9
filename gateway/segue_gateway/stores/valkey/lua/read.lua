-- ARGV: name, number of the first event wanted.
sweep(1000)
local turn = get(turns, ARGV[4])
if not turn then return reply() end
local left = '0'
local handle = turn.h and get(handles, turn.h)
if handle then left = handle.e and string.format('%.3f', math.max(0, handle.e - now)) or '' end
local list = turn.g == 0 and redis.call('LRANGE', events(ARGV[4]), ARGV[5], -1) or {}
return reply(turn.f, turn.g, turn.r, string.format('%.0f', turn.e), left, list)
