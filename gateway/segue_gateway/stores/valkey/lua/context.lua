-- ARGV: digest, whether its bytes are known. '' for one that is held, and whose bytes are known.
sweep(1000)
if redis.call('HEXISTS', contexts, ARGV[4]) == 0 then return reply() end
return reply(ARGV[5] == '1' and '' or redis.call('HGET', texts, ARGV[4]))
