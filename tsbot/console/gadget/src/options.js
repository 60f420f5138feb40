/** A link among the tools, and the dialog behind it: where the token is pasted, tried and forgotten. */
gadget.options = ( function () {
	var portlet = null;

	function element( name, properties, children ) {
		var made = document.createElement( name );
		Object.keys( properties || {} ).forEach( function ( key ) {
			made[ key ] = properties[ key ];
		} );
		( children || [] ).forEach( function ( child ) {
			made.appendChild( child );
		} );
		return made;
	}

	function open() {
		var status = element( 'p', { id: 'tsbot-status' } ),
			input = element( 'input', {
				type: 'password', id: 'tsbot-token', autocomplete: 'off', spellcheck: false, required: true, maxLength: 200
			} ),
			save = element( 'button', { type: 'submit', textContent: gadget.words( 'save' ) } ),
			forget = element( 'button', { type: 'button', textContent: gadget.words( 'forget' ) } ),
			close = element( 'button', { type: 'button', textContent: gadget.words( 'close' ) } ),
			where = element( 'a', {
				href: gadget.settings.console + '/tokens',
				target: '_blank',
				rel: 'noopener noreferrer',
				textContent: gadget.words( 'where' )
			} ),
			form = element( 'form', {}, [
				element( 'h2', { id: 'tsbot-title', textContent: gadget.words( 'title' ) } ),
				element( 'p', { textContent: gadget.words( 'explained' ) } ),
				element( 'p', {}, [ where ] ),
				element( 'label', { htmlFor: 'tsbot-token', textContent: gadget.words( 'token-label' ) } ),
				input, status, element( 'p', { className: 'tsbot-buttons' }, [ save, forget, close ] )
			] ),
			dialog = element( 'dialog', { id: 'tsbot-options' }, [ form ] );

		function tellStatus( key ) {
			status.textContent = gadget.words( key );
		}

		function end() {
			dialog.remove();
			portlet.querySelector( 'a' ).focus();
		}

		status.setAttribute( 'role', 'status' );
		dialog.setAttribute( 'aria-labelledby', 'tsbot-title' );
		tellStatus( gadget.people.token() ? 'kept' : 'none' );
		form.addEventListener( 'submit', function ( event ) {
			var value = input.value.trim();
			event.preventDefault();
			// A header takes these characters only, and tokens have no others.
			if ( !/^[\w.~+/=-]+$/.test( value ) ) {
				tellStatus( 'token' );
				return;
			}
			save.disabled = true;
			gadget.client.marks( value, [ 1 ] ).then( function () {
				save.disabled = false;
				input.value = '';
				tellStatus( gadget.people.keep( value ) ? 'works' : 'not-kept' );
			}, function ( problem ) {
				save.disabled = false;
				tellStatus( problem );
			} );
		} );
		forget.addEventListener( 'click', function () {
			gadget.people.forget();
			input.value = '';
			tellStatus( 'none' );
		} );
		close.addEventListener( 'click', end );
		dialog.addEventListener( 'cancel', function ( event ) {
			event.preventDefault();
			end();
		} );
		document.body.appendChild( dialog );
		if ( dialog.showModal ) {
			dialog.showModal();
		} else {
			dialog.setAttribute( 'open', '' );
		}
		input.focus();
	}

	/** Add the link. */
	function begin() {
		portlet = mw.util.addPortletLink( 'p-tb', '#', gadget.words( 'tool' ), 't-tsbot' );
		if ( portlet ) {
			portlet.addEventListener( 'click', function ( event ) {
				event.preventDefault();
				if ( !document.getElementById( 'tsbot-options' ) ) {
					open();
				}
			} );
		}
	}

	/**
	 * Show at the link that the console did not answer as hoped.
	 *
	 * @param {string} problem
	 */
	function trouble( problem ) {
		var link = portlet && portlet.querySelector( 'a' );
		if ( link ) {
			link.textContent = gadget.words( 'tool' ) + ' (!)';
			link.title = gadget.words( problem );
		}
	}

	return { begin: begin, trouble: trouble };
}() );
