-- What oscar's own tables say of the stock, for whoever does not believe the verdict.
select p.slug as item, s.num_in_stock as stock, coalesce(s.num_allocated, 0) as allocated,
       coalesce(sum(l.quantity), 0) as ordered, count(distinct l.order_id) as orders
from partner_stockrecord s
join catalogue_product p on p.id = s.product_id
left join order_line l on l.stockrecord_id = s.id
group by p.id, s.id
order by p.id;
