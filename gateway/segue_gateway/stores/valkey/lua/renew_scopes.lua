-- ARGV: scopes. Say that the connections of this node still live.
for place = 4, #ARGV do redis.call('ZADD', due, 'XX', 'GT', now + B.scope_ms, 's:' .. ARGV[place]) end
return reply()
