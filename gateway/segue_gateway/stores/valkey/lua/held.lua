-- What is held for a principal, counted.
return {redis.call('HLEN', turns), redis.call('HLEN', handles), redis.call('HLEN', contexts),
  tonumber(redis.call('HGET', acct, 'size') or 0)}
