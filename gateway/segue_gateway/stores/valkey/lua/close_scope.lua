-- ARGV: scope. Delete the handles of a connection that ended.
close_scope(ARGV[4])
sweep(1000)
return reply()
