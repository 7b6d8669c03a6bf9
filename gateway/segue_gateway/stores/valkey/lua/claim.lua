-- ARGV: name, content, token, retention, event ('' where it lies in memory alone), weight, uses, and
-- of each context the digest, weight and bytes ('' where they are expected to be here).
-- A token that is there already: the same claim, whose answer was lost.
sweep(1000)
local name, content, token, retention, event = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local weight, list = tonumber(ARGV[9]), rows(11, 3)
local found = get(turns, name)
if found then
  if found.l == token and found.f == 0 then return reply('claimed', string.format('%.0f', found.e)) end
  if found.c ~= content then return reply('conflict') end
  return reply(found.g == 1 and 'gone' or 'existing')
end
touch(cmsgpack.unpack(ARGV[10]))
if redis.call('HLEN', turns) >= B.turns then return reply('full', 'turns') end
if lacks(list) then return reply('need') end
local cost = weight
for _, one in ipairs(list) do cost = cost + one[2] end
if not room(function() return cost end, 0) then return reply('full', 'state') end
if lacks(list) then return reply('need') end  -- an eviction may have freed one

-- An epoch that no lease ever bore, also where all of this had expired: it begins at the time.
local time = redis.call('TIME')
local epoch = math.max(tonumber(redis.call('HGET', acct, 'epoch') or 0) + 1, time[1] * 1000000 + time[2])
redis.call('HSET', acct, 'epoch', string.format('%.0f', epoch))
local digests = {}
for place, one in ipairs(list) do
  pin(one[1], tonumber(one[2]), one[3])
  digests[place] = one[1]
end
charge(weight)
set(turns, name, {c = content, e = epoch, n = 1, f = 0, g = 0, s = weight, r = retention, o = B.node, l = token,
  k = digests})
if event ~= '' then redis.call('RPUSH', events(name), event) end
later(now + B.lease_ms, 'l:' .. name)
keep(B.lease_ms + B.replay_ms + B.name_ms)
keep_events(name, B.lease_ms + B.replay_ms)
return reply('claimed', string.format('%.0f', epoch))
