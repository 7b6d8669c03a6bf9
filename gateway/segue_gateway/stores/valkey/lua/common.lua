-- What every script begins with: the time, the keys of one principal, and the small steps that keep them agreed.
-- KEYS[1] is what all keys of the principal begin with; ARGV[1] the time in ms ('' for the server's), ARGV[2] the
-- store's numbers, ARGV[3] the principal's name. What a script answers is `reply(...)`.
local base, B, principal = KEYS[1], cmsgpack.unpack(ARGV[2]), ARGV[3]
local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
else
  now = tonumber(ARGV[1])
end
local acct = base .. 'a'       -- hash: size in bytes, count of uses, last epoch
local turns = base .. 't'      -- hash: name -> c content, e epoch, n next, f finished, g gone, h handle, s size,
                               --   r retention, o owner, l token of the claim, k contexts
local handles = base .. 'h'    -- hash: id -> n node, c context, r retention, t turn, s scope, p parent, l life,
                               --   a created at, x terminal, e end
local nodes = base .. 'n'      -- hash: id of one turn of a history -> p parent, i pins, w weight
local bodies = base .. 'b'     -- hash: the same id -> what that turn added
local contexts = base .. 'c'   -- hash: digest -> i pins, w weight, u until when it is held without a handle
local texts = base .. 'x'      -- hash: digest -> the context's bytes
local due = base .. 'd'        -- sorted: what has to happen, by its time
local used = base .. 'u'       -- sorted: ids that may be evicted, least recently used first
local kids = base .. 'k'       -- sorted by name: node>n>child and node>h>handle
local scopes = base .. 's'     -- sorted by name: scope>handle
local condemned = base .. 'z'  -- sorted by time: nodes that were deleted with all that goes on from them
local shared = {acct, turns, handles, nodes, bodies, contexts, texts, due, used, kids, scopes, B.prefix .. 'due'}
local evicted, deleted, freed = {}, {}, {}

-- The arguments from a place on, so many together; '' for what is not there.
local function rows(from, width)
  local list = {}
  for place = from, #ARGV, width do
    local row = {}
    for column = 1, width do row[column] = ARGV[place + column - 1] end
    list[#list + 1] = row
  end
  return list
end

local function get(hash, field)
  local found = redis.call('HGET', hash, field)
  return found and cmsgpack.unpack(found) or nil
end

local function set(hash, field, value)
  redis.call('HSET', hash, field, cmsgpack.pack(value))
end

local function charge(bytes)
  if bytes ~= 0 then redis.call('HINCRBY', acct, 'size', bytes) end
end

local function events(name) return base .. 'e:' .. name end
local function asks(name) return base .. 'q:' .. name end
local function news(name) redis.call('PUBLISH', base .. 'n:' .. name, '') end

-- A member of a set that is sorted by name: all that begin with a word and '>'.
local function below(key, word)
  return redis.call('ZRANGE', key, '[' .. word .. '>', '(' .. word .. '?', 'BYLEX')
end

local function later(at, what)
  redis.call('ZADD', due, at, what)
  redis.call('ZADD', B.prefix .. 'due', 'LT', at, principal)
end

-- Keys go by themselves some time behind all that is in them, also where no gateway runs to free it.
local function keep(ms)
  for _, key in ipairs(shared) do
    local left = redis.call('PTTL', key)
    if left == -1 or (left >= 0 and left < ms + B.slack) then redis.call('PEXPIRE', key, ms + 2 * B.slack) end
  end
end

local function keep_events(name, ms)
  local left = redis.call('PTTL', events(name))
  if left == -1 or (left >= 0 and left < ms + B.slack) then
    redis.call('PEXPIRE', events(name), ms + 2 * B.slack)
  end
end

-- contexts: kept once, however many need them

local function pin(digest, weight, raw)
  local held = get(contexts, digest)
  if not held then
    held = {i = 0, w = weight}
    redis.call('HSET', texts, digest, raw)
    charge(weight)
  end
  held.i = held.i + 1
  set(contexts, digest, held)
end

local function unpin(digest)
  local held = get(contexts, digest)
  if not held then return end
  held.i = held.i - 1
  if held.i > 0 then
    set(contexts, digest, held)
  else
    redis.call('HDEL', contexts, digest)
    redis.call('HDEL', texts, digest)
    charge(-held.w)
  end
end

-- whether a context whose bytes were not sent is there
local function lacks(list)
  for _, one in ipairs(list) do
    if one[3] == '' and redis.call('HEXISTS', contexts, one[1]) == 0 then return true end
  end
  return false
end

-- continuations

local function release(id)
  while id do
    local node = get(nodes, id)
    if not node then return end
    node.i = node.i - 1
    if node.i > 0 then
      set(nodes, id, node)
      return
    end
    redis.call('HDEL', nodes, id)
    redis.call('HDEL', bodies, id)
    charge(-node.w)
    freed[#freed + 1] = id
    if node.p then redis.call('ZREM', kids, node.p .. '>n>' .. id) end
    id = node.p
  end
end

local function remove(id)
  local handle = get(handles, id)
  if not handle then return end
  redis.call('HDEL', handles, id)
  redis.call('ZREM', used, id)
  redis.call('ZREM', due, 'h:' .. id)
  redis.call('ZREM', kids, handle.n .. '>h>' .. id)
  if handle.s then redis.call('ZREM', scopes, handle.s .. '>' .. id) end
  release(handle.n)
  unpin(handle.c)
end

local function touch(ids)
  for _, id in ipairs(ids) do
    redis.call('ZADD', used, 'XX', redis.call('HINCRBY', acct, 'used', 1), id)
  end
end

-- Evict `cached` continuations of this principal until there is room; whether there is. What it costs is reckoned
-- anew after each: that may have freed a part that is needed.
local function room(cost, more)
  while true do
    local size = tonumber(redis.call('HGET', acct, 'size') or 0)
    if size + cost() <= B.state_bytes and redis.call('HLEN', handles) + more <= B.continuations then return true end
    local victim = redis.call('ZRANGE', used, 0, 0)[1]
    if not victim then return false end
    remove(victim)
    redis.call('ZREM', used, victim)
    evicted[#evicted + 1] = victim
  end
end

-- records

local function drop_record(name, turn, at)
  redis.call('UNLINK', events(name))
  charge(-turn.s)
  for _, digest in ipairs(turn.k) do unpin(digest) end
  turn.g, turn.s, turn.k = 1, 0, {}
  set(turns, name, turn)
  if turn.f == 1 then later(at + B.name_ms, 'n:' .. name) end
  redis.call('ZREM', due, 'r:' .. name)
  news(name)
end

local function drop_name(name)
  redis.call('HDEL', turns, name)
  redis.call('UNLINK', events(name), asks(name))
  redis.call('ZREM', due, 'r:' .. name, 'n:' .. name, 'l:' .. name)
end

-- Write the end of a record: from then on no epoch is good for it.
local function close(name, turn, handle)
  turn.f, turn.h = 1, handle
  redis.call('ZREM', due, 'l:' .. name)
  redis.call('UNLINK', asks(name))
  if turn.g == 1 then
    later(now + B.name_ms, 'n:' .. name)
  else
    later(now + B.replay_ms, 'r:' .. name)
    keep_events(name, B.replay_ms)
  end
  set(turns, name, turn)
  news(name)
end

-- SEG-TURN-131, SEG-TURN-134
local function interrupt(name, turn)
  turn.e = 0
  if turn.r == 'none' then
    if turn.g == 0 then drop_record(name, turn, now) end
  elseif turn.g == 0 then
    redis.call('RPUSH', events(name), B.cut[1] .. name .. B.cut[2] .. string.format('%d', turn.n) .. B.cut[3])
    turn.n, turn.s = turn.n + 1, turn.s + B.cut_weight
    charge(B.cut_weight)
  end
  close(name, turn, nil)
end

local function lapsed(name)
  local ends = redis.call('ZSCORE', due, 'l:' .. name)
  return not ends or tonumber(ends) <= now
end

local function close_scope(scope)
  for _, member in ipairs(below(scopes, scope)) do remove(string.sub(member, #scope + 2)) end
  redis.call('ZREM', due, 's:' .. scope)
end

-- Free what has expired, at most so many things at once: others wait meanwhile.
local function sweep(most)
  local list = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  for place = 1, #list, 2 do
    local what, at = list[place], tonumber(list[place + 1])
    local kind, name = string.sub(what, 1, 1), string.sub(what, 3)
    if kind == 'h' then
      remove(name)
      redis.call('ZREM', due, what)
    elseif kind == 's' then
      close_scope(name)  -- the node of that connection is gone
    elseif kind == 'c' then
      local held = get(contexts, name)
      redis.call('ZREM', due, what)
      if held then
        held.u = nil
        set(contexts, name, held)
        unpin(name)
      end
    else
      local turn = get(turns, name)
      if not turn then
        redis.call('ZREM', due, what)
      elseif kind == 'r' then
        redis.call('ZREM', due, what)
        if turn.g == 0 then drop_record(name, turn, at) end
      elseif kind == 'n' then
        drop_name(name)
      elseif turn.o ~= B.node or at + B.own_grace <= now then
        interrupt(name, turn)
      end
    end
  end
  if #list > 0 then keep(B.replay_ms + B.name_ms) end
  return #list / 2
end

local function reply(...)
  if #evicted + #deleted + #freed > 0 then
    redis.call('PUBLISH', B.prefix .. 'gone', cmsgpack.pack({B.node, principal, evicted, deleted, freed}))
  end
  return {evicted, freed, ...}
end
