-- ARGV: name, epoch or token of an owner that gives it up ('' where somebody else asks). Close a record whose owner is
-- gone: whose lease has run out, or that says so itself.
local name, mine = ARGV[4], ARGV[5]
local turn = get(turns, name)
if not turn or turn.f == 1 then return reply(0) end
local own = mine ~= '' and (turn.e == tonumber(mine) or turn.l == mine)
if not own and not lapsed(name) then return reply(0) end
interrupt(name, turn)
keep(B.replay_ms + B.name_ms)
return reply(1)
