-- Takes ARGV[n] from the counter KEYS[n], from all of them or from none.
-- 0: taken; n: the counter n has not as much; -1: a counter is missing.
for n, key in ipairs(KEYS) do
    local free = redis.call('GET', key)
    if not free then
        return -1
    end
    if tonumber(free) < tonumber(ARGV[n]) then
        return n
    end
end
for n, key in ipairs(KEYS) do
    redis.call('DECRBY', key, ARGV[n])
end
return 0
