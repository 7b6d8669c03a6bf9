-- ARGV: id, scope, whether descendants go too.
sweep(1000)
local id = ARGV[4]
local handle = get(handles, id)
if not handle or (handle.s and handle.s ~= ARGV[5]) then return reply() end
local gone, turn_of = {id}, {[id] = handle.t}
if ARGV[6] == '1' then
  redis.call('ZREMRANGEBYSCORE', condemned, '-inf', now - B.condemned_ms)
  local todo = {handle.n}
  while #todo > 0 do
    local node = table.remove(todo)
    -- Condemned: a turn that runs from there finds out when it ends (SEG-CONT-075).
    redis.call('ZADD', condemned, now, node)
    for _, member in ipairs(below(kids, node)) do
      local kind, name = string.sub(member, #node + 2, #node + 2), string.sub(member, #node + 4)
      if kind == 'n' then
        todo[#todo + 1] = name
      elseif name ~= id then
        gone[#gone + 1] = name
        turn_of[name] = get(handles, name).t
      end
    end
  end
  redis.call('PEXPIRE', condemned, B.condemned_ms)
end
for _, name in ipairs(gone) do
  remove(name)
  local turn = get(turns, turn_of[name])
  -- By the handle too: the name may be another turn's by now.
  if turn and turn.g == 0 and turn.h == name then drop_record(turn_of[name], turn, now) end
end
keep(B.name_ms)
deleted = gone
return reply(gone)
