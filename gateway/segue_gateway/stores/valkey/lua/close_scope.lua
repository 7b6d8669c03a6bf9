-- ARGV: scope. Delete the handles of a connection that ended.
for _, member in ipairs(below(scopes, ARGV[4])) do remove(string.sub(member, #ARGV[4] + 2)) end
sweep(1000)
return reply()
