-- ARGV: name, epoch, number of the first ('' for whatever comes next), again, weight, count, events (none where they
-- lie in memory alone).
local name, again, weight, count = ARGV[4], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
local turn = get(turns, name)
if not turn or turn.f == 1 or turn.e ~= tonumber(ARGV[5]) then return reply('stale') end
if turn.g == 1 then return reply('ok') end -- deleted while it ran: it runs on, and nothing of it is kept
local first = tonumber(ARGV[6]) or turn.n
if turn.n ~= first then
  -- Only the owner writes under its epoch: what stands there already is what it wrote and was not told.
  return reply(again == '1' and turn.n == first + count and 'ok' or 'stale')
end
for place = 10, #ARGV do redis.call('RPUSH', events(name), ARGV[place]) end
turn.n, turn.s = turn.n + count, turn.s + weight
set(turns, name, turn)
charge(weight)
redis.call('ZADD', due, 'XX', 'GT', now + B.lease_ms, 'l:' .. name)
news(name)
return reply('ok')
