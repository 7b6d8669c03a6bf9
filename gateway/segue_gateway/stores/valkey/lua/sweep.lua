-- ARGV: uses. Free what has expired of one principal, and say when something of it is due next.
touch(cmsgpack.unpack(ARGV[4]))
local more = sweep(500) == 500
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
if #first == 0 then
  redis.call('ZREM', B.prefix .. 'due', principal)
  if tonumber(redis.call('HGET', acct, 'size') or 0) == 0 and redis.call('EXISTS', turns, handles) == 0 then
    redis.call('DEL', acct)
  end
else
  -- A lease that its own node is to renew first is not looked for again at once.
  redis.call('ZADD', B.prefix .. 'due', more and now or math.max(tonumber(first[2]), now + 1), principal)
end
return reply()
