-- The principals of whom something is due.
return redis.call('ZRANGE', B.prefix .. 'due', '-inf', now, 'BYSCORE', 'LIMIT', 0, 200)
