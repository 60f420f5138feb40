/** Begins, for those whom it is for. For everybody else this is the end: nothing is asked, nothing is shown. */
( function () {
	// Somebody may have both the gadget and the user script.
	var twice = mw.config.exists( 'tsbotGadget' );
	if ( twice || !gadget.people.entitled() || !window.fetch || !window.AbortController ) {
		return;
	}
	mw.config.set( 'tsbotGadget', true );
	mw.loader.using( [ 'mediawiki.api', 'mediawiki.storage', 'mediawiki.util' ] ).then( function () {
		$( function () {
			mw.util.addCSS( gadget.styles );
			gadget.options.begin();
			if ( mw.config.get( 'wgCanonicalSpecialPageName' ) === 'Revisiondelete' ) {
				gadget.form.begin();
				return;
			}
			// Also fires when the filters of recent changes have fetched other rows, and once for what is there now.
			mw.hook( 'wikipage.content' ).add( function ( $content ) {
				gadget.marks.mark( $content[ 0 ] && $content[ 0 ].isConnected ? $content[ 0 ] : document );
			} );
			gadget.marks.mark( document );
		} );
	} );
}() );
