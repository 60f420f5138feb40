/**
 * Requests to the console's API. The token goes in a header; cookies and the address of the page stay here.
 *
 * A request that fails is rejected with one word, a key of the messages: `token`, `forbidden`, `busy` or `away`.
 */
gadget.client = ( function () {
	var PATIENCE = 10000,
		PROBLEMS = { 401: 'token', 403: 'forbidden', 429: 'busy' };

	function ask( token, method, path, body ) {
		var stop = new AbortController(),
			headers = { Authorization: 'Bearer ' + token, Accept: 'application/json' },
			timer = setTimeout( function () {
				stop.abort();
			}, PATIENCE );
		if ( body ) {
			headers[ 'Content-Type' ] = 'application/json';
		}
		return window.fetch( gadget.settings.console + '/api/v1' + path, {
			method: method,
			headers: headers,
			body: body ? JSON.stringify( body ) : undefined,
			mode: 'cors',
			credentials: 'omit',
			referrerPolicy: 'no-referrer',
			redirect: 'error',
			cache: 'no-store',
			signal: stop.signal
		} ).then( function ( answer ) {
			if ( !answer.ok ) {
				// Nobody reads the rest.
				stop.abort();
				return Promise.reject( PROBLEMS[ answer.status ] || 'away' );
			}
			return answer.json();
		} ).then( function ( found ) {
			clearTimeout( timer );
			return found;
		}, function ( problem ) {
			clearTimeout( timer );
			return Promise.reject( typeof problem === 'string' ? problem : 'away' );
		} );
	}

	/**
	 * Which of some revisions are marked.
	 *
	 * @param {string} token
	 * @param {number[]} ids
	 * @return {Promise} Of objects with `revid` and `case`
	 */
	function marks( token, ids ) {
		var query = '?wiki=' + encodeURIComponent( mw.config.get( 'wgDBname' ) ) + '&revids=' + ids.join( '%7C' );
		return ask( token, 'GET', '/marks' + query ).then( function ( found ) {
			return found.marks;
		} );
	}

	/**
	 * Say that revisions are hidden.
	 *
	 * @param {string} token
	 * @param {number[]} ids
	 * @return {Promise}
	 */
	function hidden( token, ids ) {
		return ask( token, 'POST', '/hidden', { wiki: mw.config.get( 'wgDBname' ), revids: ids } );
	}

	return { marks: marks, hidden: hidden };
}() );
