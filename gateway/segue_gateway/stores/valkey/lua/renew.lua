-- ARGV: pairs of name and epoch. For each whether it still holds, and what was asked of its owner meanwhile.
local told = {}
for place = 4, #ARGV, 2 do
  local name = ARGV[place]
  local turn = get(turns, name)
  if not turn or turn.f == 1 or turn.e ~= tonumber(ARGV[place + 1]) then
    told[#told + 1] = 0
    told[#told + 1] = {}
  else
    redis.call('ZADD', due, 'XX', 'GT', now + B.lease_ms, 'l:' .. name)
    keep_events(name, B.lease_ms + B.replay_ms)
    told[#told + 1] = 1
    told[#told + 1] = redis.call('LPOP', asks(name), 64) or {}
  end
end
keep(B.lease_ms + B.replay_ms + B.name_ms)
return reply(told)
