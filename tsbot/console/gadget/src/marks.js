/**
 * Marks beside revisions that have an open case: a sign that leads to the case in the console, without a word about it.
 * Somebody may be looking over the reader's shoulder.
 */
gadget.marks = ( function () {
	var AT_ONCE = 200,
		LISTS = [ 'Recentchanges', 'Recentchangeslinked', 'Watchlist', 'Contributions', 'Newpages' ],
		GROUP = '.mw-rcfilters-ui-highlights-enhanced-toplevel .mw-changeslist-line-inner',
		BEFORE = '.mw-changeslist-date, .mw-enhanced-rc-time, .mw-newpages-time',
		SIGN = '\u25C6',
		known = {},
		stopped = false;

	/**
	 * The rows of a list: revision, element, and what the mark comes before.
	 *
	 * @param {Document|HTMLElement} root
	 * @return {Object[]}
	 */
	function rows( root ) {
		return Array.prototype.map.call( root.querySelectorAll( '[data-mw-revid]' ), function ( row ) {
			return {
				id: Number( row.getAttribute( 'data-mw-revid' ) ),
				box: row,
				before: row.querySelector( BEFORE )
			};
		} );
	}

	function sides() {
		return [ [ 'wgDiffOldId', 'mw-diff-otitle1' ], [ 'wgDiffNewId', 'mw-diff-ntitle1' ] ].map( function ( side ) {
			return { id: Number( mw.config.get( side[ 0 ] ) ), box: document.getElementById( side[ 1 ] ), before: null };
		} );
	}

	function places( root ) {
		var found = [];
		if ( mw.config.get( 'wgDiffNewId' ) ) {
			found = sides();
		}
		if ( mw.config.get( 'wgAction' ) === 'history' || LISTS.indexOf( mw.config.get( 'wgCanonicalSpecialPageName' ) ) !== -1 ) {
			found = found.concat( rows( root ) );
		}
		return found.filter( function ( place ) {
			return place.id > 0 && place.box;
		} );
	}

	function sign( id ) {
		var link = document.createElement( 'a' );
		link.textContent = SIGN;
		link.className = 'tsbot-mark';
		link.href = gadget.settings.console + '/cases/' + encodeURIComponent( id );
		link.target = '_blank';
		link.rel = 'noopener noreferrer';
		link.setAttribute( 'aria-label', gadget.words( 'mark' ) );
		return link;
	}

	/**
	 * Recent changes of a page can be folded into one line: it is marked as well, so that nothing marked is out of sight.
	 *
	 * @param {HTMLElement} row
	 */
	function drawGroup( row ) {
		var group = row.classList.contains( 'mw-rcfilters-ui-highlights-enhanced-nested' ) && row.parentNode.querySelector( GROUP ),
			text;
		if ( group && !group.querySelector( '.tsbot-group' ) ) {
			text = document.createElement( 'span' );
			text.className = 'tsbot-group';
			text.textContent = SIGN;
			text.setAttribute( 'role', 'img' );
			text.setAttribute( 'aria-label', gadget.words( 'group' ) );
			group.insertBefore( text, group.firstChild );
		}
	}

	function draw( place ) {
		var inside;
		if ( !known[ place.id ] || place.box.querySelector( '.tsbot-mark' ) ) {
			return;
		}
		inside = place.before ? place.before.parentNode : place.box;
		inside.insertBefore( sign( known[ place.id ] ), place.before || ( place.box.matches( '[id]' ) ? null : inside.firstChild ) );
		drawGroup( place.box );
	}

	/**
	 * Mark what is on the page, or on a part of it that has just come.
	 *
	 * @param {Document|HTMLElement} root
	 */
	function mark( root ) {
		var token = gadget.people.token(),
			found = places( root ),
			unknown = found.map( function ( place ) {
				return place.id;
			} ).filter( function ( id, index, all ) {
				return !( id in known ) && all.indexOf( id ) === index;
			} );
		if ( !token || stopped ) {
			return;
		}
		found.forEach( draw );
		gadget.batches( unknown, AT_ONCE ).forEach( function ( some ) {
			some.forEach( function ( id ) {
				known[ id ] = '';
			} );
			gadget.client.marks( token, some ).then( function ( marked ) {
				marked.forEach( function ( one ) {
					known[ one.revid ] = one.case;
				} );
				found.forEach( draw );
			}, function ( problem ) {
				// Not again on this page: a console in trouble is not helped by being asked each second.
				stopped = true;
				gadget.options.trouble( problem );
			} );
		} );
	}

	return { mark: mark };
}() );
