-- ARGV: id, scope ('' for none). One lookup, by principal and id, whatever becomes of it.
sweep(1000)
local handle = get(handles, ARGV[4])
if not handle or (handle.s and handle.s ~= ARGV[5]) then return reply() end
local left = handle.e and string.format('%.3f', math.max(0, handle.e - now)) or ''
return reply(left, cmsgpack.pack({handle.n, handle.c, handle.r, handle.t, handle.s or false, handle.p or false,
  handle.l or false, handle.a, handle.x}))
