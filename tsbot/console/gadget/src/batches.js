/**
 * The items of a list, so many at a time.
 *
 * @param {Array} items
 * @param {number} most
 * @return {Array[]}
 */
gadget.batches = function ( items, most ) {
	var found = [], start;
	for ( start = 0; start < items.length; start += most ) {
		found.push( items.slice( start, start + most ) );
	}
	return found;
};
