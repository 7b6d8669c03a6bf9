-- ARGV: name, epoch, number of the terminal event ('' for whatever comes next), again, event ('' where it lies in
-- memory alone), weight, handle ('' without one), uses, the context's digest, weight and bytes ('' where they are
-- expected to be here), and of each turn of the history, the youngest first, id, id above, weight, body. What the last
-- of them goes on from is expected to be here.
local name, again, event, weight = ARGV[4], ARGV[7], ARGV[8], tonumber(ARGV[9])
local handle = ARGV[10] ~= '' and cmsgpack.unpack(ARGV[10]) or nil
sweep(1000)
local function left()
  local held = handle and get(handles, handle.id)
  return held and held.e and string.format('%.3f', math.max(0, held.e - now)) or ''
end
local turn = get(turns, name)
if not turn or turn.e ~= tonumber(ARGV[5]) then return reply('stale') end
local first = tonumber(ARGV[6]) or turn.n
if turn.f == 1 then
  if again == '1' and turn.h == (handle and handle.id) then return reply('ok', left()) end
  return reply('stale')
end
if turn.g == 0 and turn.n ~= first then return reply('stale') end

if handle then
  local context, chain = {ARGV[12], tonumber(ARGV[13]), ARGV[14]}, rows(15, 4)
  touch(cmsgpack.unpack(ARGV[11]))
  for _, node in ipairs(chain) do node[2], node[3] = node[2] ~= '' and node[2] or nil, tonumber(node[3]) end
  local missing
  -- How much of the chain is missing here; nil where what it goes on from is missing too.
  local function cost()
    missing = 0
    local sum = 0  -- without the context: the record holds it already
    for _, node in ipairs(chain) do
      if redis.call('HEXISTS', nodes, node[1]) == 1 then return sum end
      missing, sum = missing + 1, sum + node[3]
    end
    local above = chain[#chain][2]
    if above and redis.call('HEXISTS', nodes, above) == 0 then missing = nil end
    return sum
  end
  for _, node in ipairs(chain) do
    if redis.call('ZSCORE', condemned, node[1]) or (node[2] and redis.call('ZSCORE', condemned, node[2])) then
      return reply('lost')
    end
  end
  cost()
  if not missing or lacks({context}) then return reply('need') end
  if not room(cost, 1) then return reply('lost') end
  if not missing or lacks({context}) then return reply('need') end  -- an eviction may have freed them
  pin(context[1], context[2], context[3])
  local needed = chain[math.max(missing, 1)]
  local above = missing > 0 and needed[2] or missing == 0 and needed[1]
  if above then  -- what is here already is needed once more
    local node = get(nodes, above)
    node.i = node.i + 1
    set(nodes, above, node)
  end
  for place = missing, 1, -1 do  -- each is needed once: by the next one, or by the handle
    local node = chain[place]
    set(nodes, node[1], {p = node[2], i = 1, w = node[3]})
    redis.call('HSET', bodies, node[1], node[4])
    charge(node[3])
    if node[2] then redis.call('ZADD', kids, 0, node[2] .. '>n>' .. node[1]) end
  end
  local life = tonumber(handle.l)
  local kept = {n = chain[1][1], c = context[1], r = handle.r, t = name, s = handle.s or nil, p = handle.p or nil,
    l = life, a = handle.a, x = handle.x, e = life and now + life or nil}
  set(handles, handle.id, kept)
  redis.call('ZADD', kids, 0, kept.n .. '>h>' .. handle.id)
  if kept.s then
    redis.call('ZADD', scopes, 0, kept.s .. '>' .. handle.id)
    later(now + B.scope_ms, 's:' .. kept.s)
  end
  if kept.r == 'cached' then redis.call('ZADD', used, redis.call('HINCRBY', acct, 'used', 1), handle.id) end
  if kept.e then later(kept.e, 'h:' .. handle.id) end
  keep(math.max(life or B.forever, B.replay_ms + B.name_ms))
end
if turn.g == 0 then
  if event ~= '' then redis.call('RPUSH', events(name), event) end
  turn.n, turn.s = turn.n + 1, turn.s + weight
  charge(weight)
end
close(name, turn, handle and handle.id or nil)
keep(B.replay_ms + B.name_ms)
return reply('ok', left())
