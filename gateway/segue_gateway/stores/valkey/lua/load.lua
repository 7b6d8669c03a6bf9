-- ARGV: node, how many. That many turns of a history from a node upwards: id and body, one behind the other.
local list, id = {}, ARGV[4]
for _ = 1, tonumber(ARGV[5]) do
  local node = get(nodes, id)
  if not node then return reply(list, '') end
  list[#list + 1] = id
  list[#list + 1] = redis.call('HGET', bodies, id)
  id = node.p
  if not id then return reply(list, 'root') end
end
return reply(list, id)
