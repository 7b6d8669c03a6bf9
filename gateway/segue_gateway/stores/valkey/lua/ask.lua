-- ARGV: name, what is asked. Put something to the owner of a turn that runs; 0 where none runs.
local turn = get(turns, ARGV[4])
if not turn or turn.f == 1 then return reply(0) end
redis.call('RPUSH', asks(ARGV[4]), ARGV[5])
redis.call('PEXPIRE', asks(ARGV[4]), B.lease_ms + B.replay_ms)
redis.call('PUBLISH', B.prefix .. 'node:' .. turn.o, '')
return reply(1)
