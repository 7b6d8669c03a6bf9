-- ARGV: digest, weight, bytes, uses. Hold a context without a handle; one that is sent again lives longer.
sweep(1000)
local digest, weight = ARGV[4], tonumber(ARGV[5])
touch(cmsgpack.unpack(ARGV[7]))
if not room(function() return weight end, 0) then return reply('full') end
local held = get(contexts, digest)
if not held or not held.u then
  pin(digest, weight, ARGV[6])
  held = get(contexts, digest)
end
held.u = now + B.cached_ms
set(contexts, digest, held)
later(held.u, 'c:' .. digest)
keep(B.cached_ms)
return reply('ok')
